"""What a senior engineer would answer: options, ranked, each with its memory, speed, quality and command."""
