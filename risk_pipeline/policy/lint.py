"""The policy linter: everything that can be wrong with a policy file, found before it decides anything, with file and line.

Put here: rules between keys, against the contracts and against the factor catalogue; each rule is one generator over the
policy. Keep out: rules one key keeps by itself (model.py) and choosing a policy (load.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import yaml
from pydantic import ValidationError

from risk_pipeline.contracts import FACTOR_TABLES, table
from risk_pipeline.contracts.table import Kind
from risk_pipeline.policy import lint_consistency
from risk_pipeline.policy.expression import ExpressionError
from risk_pipeline.policy.model import NOT_RATED, SYSTEM, TERMINATED, UNRATED, CustomerState, Edge, FactorRule, Policy
from risk_pipeline.policy.reading import rules_at
from risk_pipeline.policy.scopes import CONDITIONS, TIER_COLUMNS, WITH_ALERT_FACTS, condition

Place = tuple[str | int, ...]
Problem = tuple[Place, str]


class FactorKnown(Protocol):
    """What the linter asks of a factor of the catalogue."""

    @property
    def direction(self) -> str: ...
    @property
    def codes(self) -> tuple[str, ...]: ...
    @property
    def reason(self) -> object | None: ...


class FactorCatalogue(Protocol):
    """What the linter asks of the factor catalogue (factors.catalogue.Catalogue)."""

    def __hash__(self) -> int: ...
    @property
    def by_id(self) -> Mapping[str, FactorKnown]: ...


@dataclass(frozen=True)
class Finding:
    """One problem. An error keeps the policy from being used, a warning does not."""

    file: str
    line: int
    severity: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.message}"


def lint(source: str | Path, catalogue: FactorCatalogue) -> list[Finding]:
    """Findings of a policy, by line. `source` is the YAML text, or the path of a file. No finding = the policy is sound."""
    return check(source, catalogue)[1]


def check(source: str | Path, catalogue: FactorCatalogue) -> tuple[Policy | None, list[Finding]]:
    """The policy, or None when it has no readable form, and its findings."""
    file = str(source) if isinstance(source, Path) else "policy"
    try:
        loader = _Loader(source.read_text(encoding="utf-8") if isinstance(source, Path) else source)
        root = loader.get_single_node()
    except (OSError, UnicodeDecodeError) as exc:
        return None, [Finding(file, 1, "error", f"cannot be read: {exc}")]
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        return None, [Finding(file, line, "error", f"not valid YAML: {exc.problem or exc}")]
    except yaml.YAMLError as exc:
        return None, [Finding(file, 1, "error", f"not valid YAML: {exc}")]
    if not isinstance(root, yaml.MappingNode):
        return None, [Finding(file, 1, "error", "a policy is a list of `key: value` lines")]
    lines = dict(_lines(root))
    policy, schema_problems = _parsed(loader.construct_document(root))
    problems = [*_duplicate_keys(root), *schema_problems]
    doubts: list[Problem] = []
    if policy is not None:
        problems += itertools.chain.from_iterable(rule(policy, catalogue) for rule in RULES)
        problems += itertools.chain.from_iterable(more(policy) for more in lint_consistency.RULES)
        doubts += itertools.chain.from_iterable(rule(policy, catalogue) for rule in DOUBTS)
        doubts += itertools.chain.from_iterable(more(policy) for more in lint_consistency.DOUBTS)
    findings = {Finding(file, _line(lines, place), "error", message) for place, message in problems}
    findings |= {Finding(file, _line(lines, place), "warning", message) for place, message in doubts}
    return policy, sorted(findings, key=lambda f: (f.line, f.message))


# ---------------------------------------------------------------- places in the file


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """SafeLoader that leaves dates to the model, which can say where a wrong one stands. With libyaml ten times as quick."""


_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


def _lines(node: yaml.Node, place: Place = ()) -> Iterator[tuple[Place, int]]:
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            yield from _lines(value, inner)
            yield inner, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _lines(item, (*place, number))


def _line(lines: Mapping[Place, int], place: Place) -> int:
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _duplicate_keys(node: yaml.Node, place: Place = ()) -> Iterator[Problem]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*place, key.value), f"key `{key.value}` is given twice; the last one would win in silence"
            seen.add(key.value)
            yield from _duplicate_keys(value, (*place, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _duplicate_keys(item, (*place, number))


def _parsed(content: object) -> tuple[Policy | None, list[Problem]]:
    try:
        return Policy.model_validate(content), []
    except ValidationError as exc:
        return None, [(tuple(e["loc"]), f"{'.'.join(map(str, e['loc']))}: {_said(e)}") for e in exc.errors()]


def _said(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key; it would have no effect"
    if error["type"] == "missing":
        return "missing"
    if error["type"] == "value_error":  # ours, says what it found
        return str(error["msg"]).removeprefix("Value error, ")
    return f"{error['msg']}, found {error['input']!r}"[:300]


# ---------------------------------------------------------------- rules


def _approval(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    if policy.approver is not None and policy.approver.casefold() == policy.author.casefold():
        yield ("approver",), f"author and approver are the same ({policy.author}): nobody approves their own policy"
    if policy.status == "approved" and policy.approver is None:
        yield ("approver",), "an approved policy names its approver"


def _unique_ids(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    lists: tuple[tuple[Place, Iterable[Any]], ...] = (
        (("segments",), policy.segments),
        (("outside_scorecard",), policy.outside_scorecard),
        (("default_definition", "events"), policy.default_definition.events),
        (("knockouts",), policy.knockouts),
        (("tiers",), policy.tiers),
        (("hold",), policy.hold),
        (("alerts",), policy.alerts),
        (("exit", "edges"), policy.exit.edges),
        (("terms_rules", "legal_caps"), policy.terms_rules.legal_caps),
        (("incentives",), policy.incentives),
        (("reviews", "bring_forward"), policy.reviews.bring_forward),
        (("reviews", "decide_anew"), policy.reviews.decide_anew),
    )
    for place, items in lists:
        seen: set[str] = set()
        for number, item in enumerate(items):
            if item.id in seen:
                yield (*place, number, "id"), f"id {item.id} is used twice in {'.'.join(map(str, place))}"
            seen.add(item.id)
    shared = {k.id for k in policy.knockouts} & {h.id for h in policy.hold}
    for number, rule in enumerate(policy.hold):
        if rule.id in shared:
            yield ("hold", number, "id"), f"id {rule.id} is a knock-out too: hold_reasons could not tell them apart"


def _conditions(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    for path, scope in CONDITIONS.items():
        for number, item in enumerate(rules_at(policy, path)):
            try:
                condition(item.when, scope)
            except ExpressionError as exc:
                yield (*path.split("."), number, "when"), f"{item.id}: {exc}"


def _segments(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    if policy.segments[-1].when != "true":
        yield ("segments", len(policy.segments) - 1, "when"), 'the last segment must take everyone who is left (when: "true")'
    for number, segment in enumerate(policy.segments):
        if segment.scorecard not in policy.scorecards:
            yield ("segments", number, "scorecard"), f"segment {segment.id}: there is no scorecard {segment.scorecard}"
        for key, known in _class_tables(policy):
            if segment.caps_and_terms_of not in known:
                yield (
                    ("segments", number, "caps_and_terms_of"),
                    f"segment {segment.id}: {'.'.join(map(str, key))} has no class {segment.caps_and_terms_of}",
                )
        if segment.ceiling is not None and segment.ceiling not in policy.tier_ids:
            yield ("segments", number, "ceiling"), f"segment {segment.id}: unknown tier {segment.ceiling}"


def _class_tables(policy: Policy) -> tuple[tuple[Place, Mapping[str, Any]], ...]:
    return (
        (("limits", "capacity", "tier_cap"), policy.limits.capacity.tier_cap),
        (("limits", "new_customer_cap", "caps"), policy.limits.new_customer_cap.caps),
        (("terms",), policy.terms),
    )


def _weights(policy: Policy, catalogue: FactorCatalogue) -> Iterator[Problem]:
    for card, weights in policy.scorecards.items():
        total = sum(weights.values())
        if total != 100:
            yield ("scorecards", card), f"weights of scorecard {card} add up to {total}, not to 100"
        for factor in weights:
            if factor not in policy.scoring:
                yield ("scorecards", card, factor), f"scorecard {card}: factor {factor} has no rule in `scoring`"
    used = {factor for weights in policy.scorecards.values() for factor in weights}
    for factor in policy.scoring:
        if factor not in catalogue.by_id:
            yield ("scoring", factor), f"unknown factor {factor}: it is not in the factor catalogue"
        elif catalogue.by_id[factor].reason is None:
            yield ("scoring", factor), f"factor {factor} only describes: the catalogue has no reason text for it"
        elif factor not in used:
            yield ("scoring", factor), f"factor {factor} is on no scorecard"


def _bins_or_values(policy: Policy, catalogue: FactorCatalogue) -> Iterator[Problem]:
    """Numbers have bins, categories have values, and only categories the column may hold."""
    for name, rule in policy.scoring.items():
        if name not in catalogue.by_id:
            continue
        column = next(each.column(name) for each in FACTOR_TABLES if name in each)
        if (column.kind is Kind.TEXT) != (rule.values is not None):
            wanted = "values" if column.kind is Kind.TEXT else "bins"
            yield ("scoring", name), f"{name} is a {column.kind}: give its points as `{wanted}`"
        for value in rule.categories[:-1]:
            if column.values and value not in column.values:
                yield ("scoring", name, "values", value), f"{name} is never {value!r}: it is {', '.join(column.values)}"


def _monotone(policy: Policy, catalogue: FactorCatalogue) -> Iterator[Problem]:
    for name, rule in policy.scoring.items():
        known = catalogue.by_id.get(name)
        if known is None or known.direction == "none":
            continue
        for number, (before, after) in enumerate(itertools.pairwise(rule.points), start=1):
            if (after > before) if known.direction == "down" else (after < before):
                way = "fall" if known.direction == "down" else "rise"
                yield (
                    ("scoring", name, "bins", number),
                    f"{name}: points must {way} with the value (direction {known.direction}), found {before} then {after}",
                )


def _special_codes(policy: Policy, catalogue: FactorCatalogue) -> Iterator[Problem]:
    for name, rule in policy.scoring.items():
        known = catalogue.by_id.get(name)
        if known is None:
            continue
        for code in rule.special:
            if code not in known.codes:
                yield ("scoring", name, "special", code), f"{name}: unknown special code {code}"
        for code in known.codes:
            if code not in rule.special:
                yield ("scoring", name, "special"), f"{name}: no rule for the special code {code}"
    codes = {code for rule in policy.scoring.values() for code in rule.special}
    for number, code in enumerate(policy.score.not_applicable_codes):
        if code not in codes:
            yield ("score", "not_applicable_codes", number), f"no factor has the special code {code}"


def _tiers(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    order = [t for t in table("decision.risk_tier").column("tier").values if t not in (UNRATED, NOT_RATED)]
    known = [tier.id for tier in policy.tiers if tier.id in order]
    for number, tier in enumerate(policy.tiers):
        if tier.id not in order:
            yield ("tiers", number, "id"), f"unknown tier {tier.id}: tiers are {', '.join(order)}"
    if known != sorted(known, key=order.index):
        yield ("tiers",), f"tiers must stand from best to worst: {', '.join(order)}"
    for number, (better, worse) in enumerate(itertools.pairwise(policy.tiers), start=1):
        if worse.score_from >= better.score_from:
            yield (
                ("tiers", number, "score_from"),
                f"tiers overlap: {worse.id} from {worse.score_from} stands below {better.id} from {better.score_from}",
            )
    if policy.tiers[-1].score_from != 0:
        yield (
            ("tiers", len(policy.tiers) - 1, "score_from"),
            f"gap: scores below {policy.tiers[-1].score_from} have no tier; the last tier starts at 0",
        )


def _reachable(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    spans = [
        _score_span(weights, policy.scoring) for weights in policy.scorecards.values() if set(weights) <= set(policy.scoring)
    ]
    above = 101.0
    for number, tier in enumerate(policy.tiers):
        below, above = above, float(tier.score_from)
        if spans and above < below and not any(lowest < below and highest >= above for lowest, highest in spans):
            yield ("tiers", number), f"no scorecard can reach tier {tier.id}: its scores run {_spans_text(spans)}"


def _score_span(weights: Mapping[str, int], rules: Mapping[str, FactorRule]) -> tuple[float, float]:
    points = {name: rules[name].points for name in weights}
    total = sum(weights.values())
    return tuple(sum(weights[n] * best(points[n]) for n in weights) / total for best in (min, max))  # type: ignore[return-value]


def _spans_text(spans: Iterable[tuple[float, float]]) -> str:
    return " and ".join(f"from {low:g} to {high:g}" for low, high in spans)


def _tier_keys(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    """Every table by tier names each tier once, and no other; tiers named elsewhere exist."""
    limits = policy.limits
    tables: list[tuple[Place, Mapping[str, Any]]] = [
        (("limits", "tolerance_days"), limits.tolerance_days),
        (("limits", "validity_days"), limits.validity_days),
        (("reviews", "days"), policy.reviews.days),
        *((("limits", "capacity", "tier_cap", c), caps) for c, caps in limits.capacity.tier_cap.items()),
        *((("terms", c), terms) for c, terms in policy.terms.items()),
    ]
    for place, by_tier in tables:
        name = ".".join(map(str, place))
        for tier in by_tier:
            if tier not in policy.rated_and_unrated:
                yield (*place, tier), f"{name}: unknown tier {tier}"
        for tier in policy.rated_and_unrated:
            if tier not in by_tier:
                yield place, f"{name}: no entry for tier {tier}"
    for number, rule in enumerate(policy.knockouts):
        if rule.ceiling is not None and rule.ceiling not in policy.tier_ids:
            yield ("knockouts", number, "ceiling"), f"{rule.id}: unknown tier {rule.ceiling}"
    if policy.unrated.ranks_as not in policy.tier_ids:
        yield ("unrated", "ranks_as"), f"unknown tier {policy.unrated.ranks_as}"


def _worse_never_better(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    """A worse tier never has a higher cap, longer terms, more tolerance or less prepayment; nor has unrated beside its rank."""
    pairs = [*itertools.pairwise(policy.tier_ids), (policy.unrated.ranks_as, UNRATED)]
    tables: list[tuple[Place, Mapping[str, Any], Callable[[Any], Any], str]] = [
        (("limits", "tolerance_days"), policy.limits.tolerance_days, lambda days: -days, "more tolerance"),
        *(
            (("limits", "capacity", "tier_cap", c), caps, lambda cap: -cap, "a higher cap")
            for c, caps in policy.limits.capacity.tier_cap.items()
        ),
        *((("terms", c), t, lambda terms: -terms[0], "longer terms") for c, t in policy.terms.items()),
        *((("terms", c), t, lambda terms: terms[2], "less prepayment") for c, t in policy.terms.items()),
    ]
    for place, by_tier, harshness, what in tables:
        for better, worse in pairs:
            if better in by_tier and worse in by_tier and harshness(by_tier[worse]) < harshness(by_tier[better]):
                yield (*place, worse), f"{'.'.join(map(str, place))}: {worse} would have {what} than {better}"


def _rounding(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    steps = policy.limits.rounding.steps
    place: Place = ("limits", "rounding", "steps")
    if steps[-1].below is not None:
        yield (*place, len(steps) - 1), "the last rounding step must be open (no `below`)"
    for number, step in enumerate(steps[:-1]):
        if step.below is None:
            yield (*place, number), "only the last rounding step may be open"
    bounds = [step.below for step in steps[:-1] if step.below is not None]
    if bounds != sorted(set(bounds)):
        yield place, "rounding steps must stand in rising order of `below`"
    for number, (before, after) in enumerate(itertools.pairwise(steps), start=1):
        if before.below is not None and before.below % after.to != 0:
            yield (
                (*place, number, "to"),
                f"{before.below} is no multiple of {after.to}: a limit just above it would be rounded below a smaller one",
            )


def _master_scale(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    bounds = [grade.pd_le for grade in policy.master_scale]
    if bounds != sorted(set(bounds)):
        yield ("master_scale",), "grades must stand in rising order of pd_le"
    if bounds[-1] != 1:
        yield ("master_scale", len(bounds) - 1, "pd_le"), "gap: the last grade must reach pd_le 1"


def _evidence(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    """Lists that factor SQL joins: what stands twice would count twice."""
    lists: list[tuple[Place, tuple[str, ...]]] = [
        (("evidence", "bureau_preference"), policy.evidence.bureau_preference),
        *((("evidence", "required_documents", c), kinds) for c, kinds in policy.evidence.required_documents.items()),
        *((("finance_industries", scheme), prefixes) for scheme, prefixes in policy.finance_industries.items()),
    ]
    for place, names in lists:
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield place, f"{'.'.join(map(str, place))}: {name} is listed twice"


def _bins_alike(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    for name, rule in policy.scoring.items():
        for number, (before, after) in enumerate(itertools.pairwise(rule.bins or ()), start=1):
            if before.points == after.points:
                yield ("scoring", name, "bins", number), f"{name}: two neighbouring bins both give {after.points} points"


def _roles(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    """Roles that the policy names are explained, approvers are levels of authority, and who never approves is none."""
    levels = [level.role for level in policy.authorities.levels]
    named: list[tuple[Place, str]] = [(("authorities", "levels", number), role) for number, role in enumerate(levels)]
    named += [(("authorities", "never_approve", number), role) for number, role in enumerate(policy.authorities.never_approve)]
    for place, role in named:
        if role not in policy.roles:
            yield place, f"unknown role {role}: explain it under `roles`"
    for number, role in enumerate(policy.authorities.never_approve):
        if role in levels:
            yield ("authorities", "never_approve", number), f"{role} is a level of authority and is said never to approve"
    approving: tuple[tuple[Place, tuple[str, ...]], ...] = (
        (("notches", "roles_up"), policy.notches.roles_up),
        (("notches", "roles_down"), policy.notches.roles_down),
        (("hold_release", "roles"), policy.hold_release.roles),
    )
    for place, roles in approving:
        for number, role in enumerate(roles):
            if role not in levels:
                yield (*place, number), f"{role} is no level of authority: {', '.join(levels)}"
    if policy.portfolio.owner is not None:
        yield from _known_roles(("portfolio", "owner"), "portfolio.owner", (policy.portfolio.owner,), policy)
    holding = {*(rule.id for rule in policy.knockouts if rule.hold), *(rule.id for rule in policy.hold)}
    for number, rule_id in enumerate(policy.hold_release.never_over):
        if rule_id not in holding:
            yield (
                ("hold_release", "never_over", number),
                f"{rule_id} is neither a knock-out with `hold: true` nor a rule of `hold`",
            )


def _mitigants(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    """Each kind of security stands once; guarantors count in the best tiers, so that a better one never counts less."""
    for number, mitigant in enumerate(policy.mitigants.kinds):
        if mitigant.kind in [other.kind for other in policy.mitigants.kinds[:number]]:
            yield ("mitigants", "kinds", number), f"{mitigant.kind} is listed twice"
        tiers = mitigant.guarantor_tiers
        if set(tiers) != set(policy.tier_ids[: len(tiers)]):
            best = ", ".join(policy.tier_ids)
            yield ("mitigants", "kinds", number), f"{mitigant.kind}: guarantor_tiers are not the best of the tiers {best}"


def _states(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    """Edges between the states of a customer name what there is and can be taken."""
    levels = [level.role for level in policy.authorities.levels]
    for number, edge in enumerate(policy.exit.edges):
        place: Place = ("exit", "edges", number)
        if edge.source == edge.to:
            yield (*place, "to"), f"{edge.id}: an edge leads to another state"
        if edge.by != SYSTEM and edge.by not in levels:
            yield (*place, "by"), f"{edge.id}: {edge.by} is neither {SYSTEM} nor a level of authority: {', '.join(levels)}"
        if edge.by == SYSTEM and edge.verdict == "rejected":
            yield (*place, "verdict"), f"{edge.id}: only people reject"
        if edge.by == SYSTEM and edge.to == TERMINATED:
            yield (*place, "by"), f"{edge.id}: nobody is terminated without a person's approval"
        if _reads_tier(edge) and (policy.exit.states.get(edge.to) or CustomerState(label=edge.reason)).ceiling is not None:
            yield (*place, "when"), f"{edge.id}: an edge that reads the tier cannot lead to {edge.to}, whose ceiling decides it"
    for name, state in policy.exit.states.items():
        if state.ceiling is not None and state.ceiling not in policy.tier_ids:
            yield ("exit", "states", name, "ceiling"), f"{name}: unknown tier {state.ceiling}"
    for number, rule in enumerate(policy.knockouts):
        if rule.state is not None and policy.exit.edges and rule.state not in {e.to for e in policy.exit.edges if e.by == SYSTEM}:
            yield ("knockouts", number, "state"), f"{rule.id}: no edge of the system leads to {rule.state}"


def _cure(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    """Cure rules name events, knock-outs and tiers that there are."""
    states = {k.id: k.state for k in policy.knockouts}
    events = [event.id for event in policy.default_definition.events]
    for event in policy.cure.in_default.wait_days_after:
        if event not in events:
            yield ("cure", "in_default", "wait_days_after", event), f"unknown default event {event}: {', '.join(events)}"
    for number, cure in enumerate(policy.cure.after):
        for knockout in cure.knockouts:
            if states.get(knockout) is None:
                yield ("cure", "after", number, "knockouts"), f"{cure.id}: {knockout} is no knock-out with a `state`"
    for place, tier in (
        (("cure", "in_default", "first_tier_after"), policy.cure.in_default.first_tier_after),
        *((("cure", "after", n, "first_tier_after"), c.first_tier_after) for n, c in enumerate(policy.cure.after)),
    ):
        if tier is not None and tier not in policy.tier_ids:
            yield place, f"unknown tier {tier}"


def _reads_tier(edge: Edge) -> bool:
    try:
        return any(name in TIER_COLUMNS for name in condition(edge.when, "state").columns())
    except ExpressionError:
        return False  # told by _conditions


def _alerts(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    """Alerts show columns there are, name roles and actions of the policy, and only one playbook begins with each."""
    for number, rule in enumerate(policy.alerts):
        place: Place = ("alerts", number)
        if rule.indicator not in WITH_ALERT_FACTS:
            yield (*place, "indicator"), f"{rule.id}: unknown column {rule.indicator}"
        if rule.object is not None and (
            rule.object not in WITH_ALERT_FACTS or WITH_ALERT_FACTS[rule.object].kind not in (Kind.TEXT, Kind.DATE)
        ):
            yield (*place, "object"), f"{rule.id}: {rule.object} is no column of texts or dates"
        yield from _asked((*place, "measure"), rule.id, rule.measure, policy)
        yield from _known_roles((*place, "owner"), rule.id, (rule.owner,), policy)
    for role, above in policy.alert_rules.escalate_to.items():
        yield from _known_roles(("alert_rules", "escalate_to", role), "escalate_to", (role, above), policy)
    triggers = [book.trigger for book in policy.playbooks.values()]
    for name, book in policy.playbooks.items():
        if book.trigger not in {rule.id for rule in policy.alerts}:
            yield ("playbooks", name, "trigger"), f"playbook {name}: there is no alert {book.trigger}"
        if triggers.count(book.trigger) > 1:
            yield ("playbooks", name, "trigger"), f"playbook {name}: {book.trigger} begins another one too"
        roles = (book.lead, *(step.owner for step in book.steps))
        yield from _known_roles(("playbooks", name), f"playbook {name}", roles, policy)
        asked = tuple(step.action for step in book.steps if step.action is not None)
        yield from _asked(("playbooks", name, "steps"), f"playbook {name}", asked, policy)


def _once_per_tier(policy: Policy, _: FactorCatalogue) -> Iterator[Problem]:
    """A tier asks for an action once: dates are kept by rule and action, so two would share theirs."""
    for tier, listed in policy.treatments.items():
        asked = [each.action for each in listed]
        for number, action in enumerate(asked):
            if action in asked[:number]:
                yield ("treatments", tier, number), f"treatments.{tier}: {action} is asked for twice: join the conditions by `or`"


def _asked(place: Place, who: str, actions: Iterable[str], policy: Policy) -> Iterator[Problem]:
    for action in actions:
        if action not in policy.actions:
            yield place, f"{who}: unknown action {action}: explain it under `actions`"


def _known_roles(place: Place, who: str, roles: Iterable[str], policy: Policy) -> Iterator[Problem]:
    for role in dict.fromkeys(roles):
        if role not in policy.roles:
            yield place, f"{who}: unknown role {role}: explain it under `roles`"


RULES: tuple[Callable[[Policy, FactorCatalogue], Iterator[Problem]], ...] = (
    _approval,
    _unique_ids,
    _conditions,
    _segments,
    _weights,
    _bins_or_values,
    _monotone,
    _special_codes,
    _tiers,
    _reachable,
    _tier_keys,
    _worse_never_better,
    _rounding,
    _master_scale,
    _roles,
    _states,
    _cure,
    _mitigants,
    _alerts,
    _once_per_tier,
    _evidence,
)
DOUBTS: tuple[Callable[[Policy, FactorCatalogue], Iterator[Problem]], ...] = (_bins_alike,)  # warnings: unusual, yet sound
