"""Canaries: values that may appear on the wire and nowhere else."""

UPSTREAM_KEY = "sk-or-v1-canary0upstream0key0d41d8cd98f00b204e9800998ecf8427e"
CLIENT_KEY = "sk-or-v1-canary0client0key09e107d9d372bb6826bd81d3542a419d6"
PROMPT = "Zebrafish canary prompt: name the planets."

# Parts long enough to be no accident, so that a key cut in half is found as well.
FORBIDDEN = ("canary0upstream0key", "canary0client0key", "Zebrafish canary")


def assert_clean(text: str, where: str) -> None:
    """No key and no prompt may stand in a log, a metric or an error."""
    for canary in FORBIDDEN:
        for line in text.splitlines():
            assert canary not in line, f"{where} shows {canary!r}: {line[:300]}"
