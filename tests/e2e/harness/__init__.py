"""What the end-to-end tests stand on: real processes, the simulator's journal, and a hand on the binary's clock."""
