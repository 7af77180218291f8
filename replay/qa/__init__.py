"""Quality assurance of latency: from the motion of a target that is known to the beam."""
