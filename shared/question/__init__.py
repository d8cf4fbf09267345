"""From a person's words to a typed query: numbers exact, spelling corrected on family words only."""
