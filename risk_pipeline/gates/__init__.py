"""Gates: what must hold before a run may publish. See results.py for the form of an answer, run_stage.py for the order."""
