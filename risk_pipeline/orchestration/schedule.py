"""The schedule of the workspace's risk.yaml: when an assessment starts by itself, and for which date.

Put here: the translation of `schedule`. Keep out: the calendar (periods) and the job.
`month_end` and `quarter_end` tick at 06:00 on the day after the period, in the workspace's time zone. A cron expression
says when; the date is then the last completed month end, so that "on the third working day" still closes the month.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import dagster as dg

from risk_pipeline.orchestration.partitions import ASSESSMENT_DATE
from risk_pipeline.orchestration.periods import Period, last_completed
from risk_pipeline.settings import Settings

CRON = {"month_end": "0 6 1 * *", "quarter_end": "0 6 1 1,4,7,10 *"}
ASSESS_JOB = "assess"


def assessment_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The one schedule of a workspace. It adds the date as a partition, then requests the run for it. Off until switched on."""
    every: Period = "quarter" if settings.schedule == "quarter_end" else "month"

    @dg.schedule(
        name="assess_on_schedule",
        job_name=ASSESS_JOB,
        cron_schedule=CRON.get(settings.schedule, settings.schedule),
        execution_timezone=settings.time_zone,
        description=f"Assess the last completed {every} end ({settings.schedule}, {settings.time_zone}).",
    )
    def on_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        as_of = last_completed(every, context.scheduled_execution_time, ZoneInfo(settings.time_zone)).isoformat()
        context.instance.add_dynamic_partitions(ASSESSMENT_DATE, [as_of])
        return dg.RunRequest(partition_key=as_of, tags={"risk/scheduled": settings.schedule})

    return on_schedule
