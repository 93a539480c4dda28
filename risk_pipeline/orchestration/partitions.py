"""The one partition dimension: assessment dates, as ISO dates, added when a date is first asked for.

Dynamic, because dates are chosen (month end, quarter end, or because something happened), and never given as a range: a range
over dynamic keys follows the order in which they were added.
"""

from __future__ import annotations

import dagster as dg

ASSESSMENT_DATE = "assessment_date"

assessment_date = dg.DynamicPartitionsDefinition(name=ASSESSMENT_DATE)
