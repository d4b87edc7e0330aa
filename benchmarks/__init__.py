"""What the library costs and how good its answers are, measured: see README.md in this folder."""
