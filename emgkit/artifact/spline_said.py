"""What `PhaseSpline` says where artifact or response are missing, or cannot be seen."""

__all__ = ["CLOSEST", "NOTHING", "NOT_SEEN", "NO_RESPONSE", "said_of_close"]

CLOSEST = 0.007  # s between pulses
NOTHING = "Nothing is locked to these pulses: neither an artifact nor a response was taken away."
NO_RESPONSE = "No evoked response stands out: only the artifact and the interference were taken away."
NOT_SEEN = (
    "Whether the muscle answered cannot be seen between pulses so close: what is locked to them was taken for artifact."
)


def said_of_close(usual: float) -> list[str]:
    """Say that pulses follow each other too closely, at their usual interval in s."""
    if usual >= CLOSEST:
        return []
    return [
        f"Half of the pulses follow another within {usual * 1e3:.2g} ms: responses so close cannot be told from the "
        "artifact of the next pulse, and may be left in the voluntary EMG."
    ]
