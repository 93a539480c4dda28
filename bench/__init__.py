"""`make bench`: speed and memory of the pipeline, against targets and against a hand-written script. See docs/performance.md."""
