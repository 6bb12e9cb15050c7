"""Reads the ledger's pages of settled attempts by the layout that src/ledger/cost_page.hpp tells, in code of its own."""

from collections.abc import Iterator


class _Reader:
    def __init__(self, page: bytes):
        self._bytes = page
        self.at = 0

    def take(self, count: int) -> bytes:
        taken = self._bytes[self.at : self.at + count]
        assert len(taken) == count, "the page ends too early"
        self.at += count
        return taken

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)

    def text(self) -> str:
        return self.take(self.number()).decode("utf-8", "replace")


def costs_of(page: bytes) -> Iterator[tuple[str, int, int]]:
    """Of each cost: its generation, pico-dollars, and where it comes from."""
    assert page[0] == 1, f"a page of version {page[0]}"
    reader = _Reader(page[1:-4])
    sources = []
    while reader.at < len(page) - 5:
        if reader.take(1) == b"k":
            for _ in range(5):
                reader.number()
            sources.append(reader.take(3)[0])
            for _ in range(7):
                reader.text()
        else:
            source = sources[reader.number()]
            reader.take(16)
            amounts = [reader.number() for _ in range(7)]
            yield reader.text(), amounts[3], source
