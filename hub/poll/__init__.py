"""Asking cameras: in a process of the hub's own, or in an agent beside them; what is learnt is said in our contract."""
