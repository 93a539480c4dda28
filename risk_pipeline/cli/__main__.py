"""`python -m risk_pipeline.cli`: the same as `risk-pipeline`."""

from risk_pipeline.cli import main

main()
