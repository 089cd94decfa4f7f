"""One file for each system. `harness.systems` finds and starts them."""
