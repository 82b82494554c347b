"""The agent: asks the cameras of one realm from beside them, behind the village's NAT, and speaks as its gateway."""
