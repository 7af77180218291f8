"""Run complete live sessions over the loopback: every source with every linac port."""
