"""An inverse answer for a person: the number, what stops one step more, and the estimate there."""

from rich.console import Console
from rich.text import Text

from bot.terminal.render_estimate import show_estimate
from bot.terminal.request import EstimateRequest
from shared.inverse.answer import Answer, Solved
from shared.inverse.context import tokens_per_sequence


def show_answer(request: EstimateRequest, answer: Answer, console: Console | None = None) -> None:
    """Print one answer."""
    screen = console or Console(highlight=False)
    screen.print(Text(headline(answer, request), style="bold"))
    screen.print(Text(answer.reason, style="bright_black"))
    if answer.estimate is not None:
        screen.print()
        show_estimate(request, answer.estimate, screen)


def headline(answer: Answer, request: EstimateRequest) -> str:
    """The answer as one sentence."""
    value, gpu = answer.value, request.gpus[0].name
    if value is None:
        return (
            f"{_NOTHING[answer.solved]} on {len(request.gpus)}x {gpu}."
            if answer.solved is not Solved.GPUS
            else (f"No number of {gpu} holds it.")
        )
    match answer.solved:
        case Solved.CONTEXT:
            each = tokens_per_sequence(answer)
            share = f", {each:,} for each of {request.workload.sequences}" if each != value else ""
            return f"The longest context is {value:,} tokens{share}."
        case Solved.SEQUENCES:
            return f"At most {value:,} sequences at once, all of them full."
        case Solved.GPU_LAYERS:
            return f"-ngl {value} is the most."
        case Solved.CPU_EXPERT_LAYERS:
            return f"--n-cpu-moe {value} is the least."
        case Solved.QUANTIZATION:
            name = answer.estimate.workload.quantization.name if answer.estimate else value
            return f"{name} is the best quality that fits."
        case Solved.GPUS:
            return f"{value}x {gpu} {'is' if value == 1 else 'are'} the fewest."


_NOTHING = {
    Solved.CONTEXT: "Not even the shortest context fits",
    Solved.SEQUENCES: "Not even one sequence of this context fits",
    Solved.GPU_LAYERS: "Not even a model kept on the host fits",
    Solved.CPU_EXPERT_LAYERS: "Not even without its experts does it fit",
    Solved.QUANTIZATION: "No quantization fits",
}
