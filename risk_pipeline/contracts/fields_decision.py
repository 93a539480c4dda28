"""Fields of the score, decision and mart tables.

Put here: columns that first appear in a score, decision or mart table. Keep out: facts (fields_ledger.py,
fields_factor.py), runs and checks (fields_audit.py), and which table uses which column (score.py, decision.py, mart.py).
A PD is expert judgement until calibrated; its text says so.
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind

# The formatter would make eight lines of a field; one or two read as a table.
# fmt: off
FIELDS: tuple[Field, ...] = (
    # score
    Field("scorecard_id", Kind.TEXT, "Scorecard of the policy that was used; empty when the customer is never scored",
          "所用评分卡；不评分客户为空"),
    Field("policy_version", Kind.TEXT, "Version of the policy in force for the run", "评估所用政策版本"),
    Field("score", Kind.NUMBER, "In results: our risk score from 0 to 100, higher = safer, rounded half up to 2 decimals before "
          "tiering. In feeds: the score a bureau gives on its own scale, or that of a country, 0 best to 100 worst",
          "结果表中为本系统风险评分（0–100，越高越安全，四舍五入至两位小数后定级）；"
          "数据源中为征信机构自有区间的评分，或国家风险评分（0 最佳–100 最差）", "points"),
    Field("pd", Kind.NUMBER, "Probability of default within 12 months; expert judgement unless pd_status says calibrated",
          "12 个月违约概率；除非标明已校准，均为专家判断值", "probability"),
    Field("pd_status", Kind.TEXT, "Standing of the PD: expert judgement or calibrated on observed defaults",
          "违约概率的性质：专家判断，或经实际违约数据校准"),
    Field("grade", Kind.TEXT, "Grade on the master scale by PD; for display, the tier comes from the score",
          "主标尺等级（按违约概率）；仅供展示，风险等级由评分决定"),
    Field("scaled_score", Kind.NUMBER, "Score on the odds scale: base points plus points per doubling of the odds",
          "按赔率刻度换算的分数（基准分 + 赔率翻倍分）", "points"),
    Field("coverage_pct", Kind.NUMBER, "Share of the scorecard's weight that rests on real values",
          "评分卡中有真实数据支撑的权重占比", "%"),
    Field("confidence_pct", Kind.NUMBER, "Coverage with aged evidence counted less: a value older than the policy's maximum age "
          "loses weight until it counts for nothing at twice that age",
          "可信度：对过期证据折减后的数据覆盖率，超过最长时效后线性递减，至两倍时效归零", "%"),
    Field("reweight_factor", Kind.NUMBER, "How far the counted weights were stretched to stand for missing ones: applicable "
          "weight / counted weight",
          "权重放大倍数：适用权重 ÷ 实际计入权重", "factor"),
    Field("credit_subtotal", Kind.NUMBER, "Part of the score from credit risk factors", "评分中信用风险因子得分", "points"),
    Field("operational_subtotal", Kind.NUMBER, "Part of the score from operational risk factors",
          "评分中操作风险因子得分", "points"),
    Field("market_subtotal", Kind.NUMBER, "Part of the score from market risk factors", "评分中市场风险因子得分", "points"),
    Field("legal_subtotal", Kind.NUMBER, "Part of the score from legal risk factors", "评分中法律风险因子得分", "points"),
    Field("reputation_subtotal", Kind.NUMBER, "Part of the score from reputation risk factors",
          "评分中声誉风险因子得分", "points"),
    # contribution
    Field("factor", Kind.TEXT, "Factor of the catalogue", "评分因子（见因子目录）"),
    Field("value_text", Kind.TEXT, "The value as text: as people read it, exactly as it stood "
          "in the source, or what a register says",
          "取值的文本形式：供人阅读、来源中的原样文本，或登记机关所载状态", sensitivity="personal"),
    Field("bin", Kind.TEXT, "Bin of the scorecard the value fell into", "取值所落入的分箱"),
    Field("points", Kind.NUMBER, "Points of the bin, 0 (worst) to 100 (best)", "分箱得分，0（最差）至 100（最好）", "points"),
    Field("weight", Kind.NUMBER, "Weight of the factor on the scorecard; all weights add up to 100",
          "因子在评分卡中的权重（合计 100）", "%"),
    Field("effective_weight", Kind.NUMBER, "Weight after factors that do not count were taken out; adds up to 100",
          "剔除不计入因子后的有效权重（合计 100）", "%"),
    Field("contribution", Kind.NUMBER, "Effective weight x points / 100; the contributions add up to the score",
          "贡献分 = 有效权重 × 得分 ÷ 100；合计即评分", "points"),
    Field("points_lost", Kind.NUMBER, "Effective weight less contribution: what the factor cost against a perfect value",
          "失分：有效权重 − 贡献分，即相对满分的损失", "points"),
    Field("reason_rank", Kind.INTEGER, "Rank among the reasons, 1 = cost most; empty when nothing was lost",
          "失分原因排名，1 为失分最多；无失分时为空", "rank"),
    Field("reason_code", Kind.TEXT, "Reason code of the factor, as told to the customer's account manager",
          "原因代码，用于向客户经理说明"),
    Field("special_code", Kind.TEXT, "Coded reason why there is no value; empty = none", "无取值的原因代码；为空表示无"),
    Field("missing", Kind.FLAG, "The value is missing, without a coded reason that makes it not applicable",
          "取值缺失（且无“不适用”原因代码）"),
    Field("missing_action", Kind.TEXT, "What the scorecard does about the missing or stale value",
          "对缺失或过期取值的处理方式"),
    Field("evidence_age_days", Kind.INTEGER, "Age of the newest evidence at the assessment date", "证据距评估日的天数", "days"),
    Field("risk_type", Kind.TEXT, "Kind of risk the factor tells of", "因子所属风险类型：信用、操作、市场、法律、声誉"),
    # tier
    Field("segment_held_on", Kind.DATE, "Newest assessment at which the condition of the segment held by itself; a customer may "
          "stay in a segment some months longer",
          "最近一次满足分群条件的评估日；此后客户可在原分群保留若干月"),
    Field("tier", Kind.TEXT, "Final risk tier; unrated ranks as high, not_rated is intercompany",
          "最终风险等级；未评级按高风险对待，不评级为集团内部"),
    Field("model_tier", Kind.TEXT, "Tier by the score alone", "仅按评分得出的等级"),
    Field("knockout_ceiling", Kind.TEXT, "Best tier the knock-out rules allow; empty = no ceiling",
          "否决规则允许的最好等级；为空表示无限制"),
    Field("knockouts", Kind.TEXT, "Knock-out rules that hold, ids separated by commas; empty text = none",
          "触发的否决规则编号，逗号分隔；空字符串表示无"),
    Field("hysteresis_tier", Kind.TEXT, "Model tier after hysteresis: down at once, up slowly",
          "经滞后处理的模型等级：下调即时，上调渐进"),
    Field("notched_tier", Kind.TEXT, "Hysteresis tier moved by the approved override in force", "经有效人工调整后的等级"),
    Field("hysteresis_periods_met", Kind.INTEGER, "Month ends in a row whose score allowed the next tier up",
          "连续满足上调条件的月末次数", "periods"),
    Field("last_downgrade_on", Kind.DATE, "Day the hysteresis tier last went down", "滞后等级最近一次下调日"),
    Field("binding_rule", Kind.TEXT, "Rule that decided the final tier", "决定最终等级的规则"),
    Field("previous_tier", Kind.TEXT, "Tier of the previous published assessment", "上一次已发布评估的等级"),
    Field("direction", Kind.TEXT, "Move against the previous tier: up = safer, down = riskier; "
          "of a contact: in = from the customer, "
          "out = from us",
          "等级变动方向：up 为风险降低，down 为风险升高；客户往来中 in 为来自客户，out 为我方发出"),
    Field("periods_in_tier", Kind.INTEGER, "Month ends in a row in this tier, this one included",
          "连续处于该等级的月末期数（含本期）", "month ends"),
    Field("in_default", Kind.FLAG, "In default by the definition of the policy, and not cured",
          "按政策违约定义处于违约且未治愈"),
    Field("default_since", Kind.DATE, "Assessment date on which the default was first seen", "首次认定违约的评估日"),
    Field("default_cleared_on", Kind.DATE, "Day the causes of the default were gone; the waiting time of the cure rule counts "
          "from here",
          "违约事由消除日，治愈观察期自此起算"),
    Field("default_events", Kind.TEXT, "Default events that hold, ids separated by commas; empty text = none",
          "成立的违约事件编号，逗号分隔；空字符串表示无"),
    Field("default_wait_days", Kind.INTEGER, "Days the proof of the cure must last, by the gravest event of this default",
          "治愈证明须持续的天数（按本次违约中最严重的事件）", "days"),
    # what became of overrides
    Field("notch_status", Kind.TEXT, "What became of the notch: in_force, or not_effective (another rule "
          "decides, or no tier of a score)",
          "等级调整的效力：in_force 生效；not_effective 未生效（由其他规则决定或无评分等级）"),
    Field("manual_limit_status", Kind.TEXT, "What became of the limit by hand: in_force, reduced (to what the policy allows), "
          "needs_authority (of a higher level), hard_stop, not_effective",
          "手工额度的效力：in_force 生效；reduced 按政策上限调减；needs_authority 须更高权限审批；"
          "hard_stop 被否决停额；not_effective 未生效"),
    Field("temporary_limit_status", Kind.TEXT, "What became of the limit for a time: as manual_limit_status",
          "临时额度的效力：取值同 manual_limit_status"),
    Field("hold_release_status", Kind.TEXT, "What became of the release of the hold: in_force; hard_stop (a rule that nobody "
          "releases demands it); not_effective (nothing is on hold)",
          "解除冻结的效力：in_force 生效；hard_stop 存在不可解除的规则；not_effective 未生效（并无冻结）"),
    # state of the customer
    Field("status_since", Kind.DATE, "Assessment date from which the state holds", "当前状态的起始评估日"),
    Field("status_periods", Kind.INTEGER, "Month ends in this state after the one it began at; on probation only those in a row "
          "at which its needs were met",
          "进入该状态后的月末期数；观察期内仅计连续达标的月末", "month ends"),
    Field("status_before", Kind.TEXT, "State the customer came from", "变更前的客户状态"),
    Field("status_rule", Kind.TEXT, "Edge of the policy that led to the state; empty = none so far",
          "进入当前状态所依据的政策条款；为空表示从未变更"),
    Field("status_cleared_on", Kind.DATE, "Assessment that first saw the causes of the suspension gone; the waiting time counts "
          "from here",
          "首次确认暂停事由消除的评估日，等待期自此起算"),
    Field("status_wait_days", Kind.INTEGER, "Days to wait after that, beside those of a default",
          "此后须等待的天数（违约治愈期另计）", "days"),
    Field("cure_ceiling", Kind.TEXT, "Best tier while on probation; empty = no ceiling",
          "观察期内允许的最好等级；为空表示无限制"),
    Field("decided_on", Kind.DATE, "Date of the decision", "决策日期"),
    Field("run_label", Kind.TEXT, "Standing of the run: official, reconstructed (knowledge assumed), simulation (policy not "
          "in force)",
          "评估性质：正式、重建（知悉时间为假定）、模拟（政策当时未生效）"),
    # limit
    Field("credit_limit", Kind.MONEY, "Credit limit in the credit currency", "信用额度（授信币种）"),
    Field("limit_reporting", Kind.MONEY, "Credit limit in reporting currency, as computed and rounded",
          "信用额度（报告币种，按规则计算并取整）", REPORTING),
    Field("reporting_currency", Kind.TEXT, "Currency of the reports and of all limits' computation, ISO 4217",
          "报告币种，额度计算以此为准（ISO 4217）"),
    Field("fx_rate_used", Kind.RATE, "Units of reporting currency for 1 unit of the credit currency, used to convert the limit",
          "换算额度所用汇率：1 单位授信币种折合报告币种", "reporting currency per unit"),
    Field("binding_method", Kind.TEXT, "Candidate or rule that set the limit", "决定额度的测算方法或规则"),
    Field("limit_reason", Kind.TEXT, "Why the limit is what it is, in a code", "额度成因代码"),
    Field("previous_limit", Kind.MONEY, "Limit of the previous published assessment", "上一次已发布评估的额度", REPORTING),
    Field("period_start_limit", Kind.MONEY, "Limit by the policy with which the calendar month began, or the first one in it: "
          "what caps on moves are measured from",
          "本月初的政策测算额度（月内首次授信的为首次额度），单期调整幅度以此为基准", REPORTING),
    Field("payment_terms_days", Kind.INTEGER, "Payment terms granted", "核定账期", "days"),
    Field("settlement_cycle", Kind.TEXT, "How the customer settles: monthly statement, per invoice, prepayment",
          "结算方式：月结、逐票、预付"),
    Field("prepayment_pct", Kind.NUMBER, "Share of an order to be paid in advance", "预付款比例", "%"),
    Field("unsecured_limit", Kind.MONEY, "Limit without any security: the smaller of need and capacity",
          "无担保额度：需求与承受能力孰低", REPORTING),
    Field("secured_amount", Kind.MONEY, "Part of the limit that security carries: its net value, at most the need",
          "有担保部分：担保净值，不超过需求", REPORTING),
    Field("secured_exposure", Kind.MONEY, "Part of the exposure that security covers", "有担保覆盖的敞口", REPORTING),
    Field("computed_limit", Kind.MONEY, "Limit by the policy, before manual and temporary limits", "政策测算额度（人工调整前）",
          REPORTING),
    Field("effective_limit", Kind.MONEY, "Limit in force: the limit once automatic or approved; until then the smaller of it and "
          "the one in force before; of a natural person whose tier fell, the one before",
          "生效额度：自动通过或获批后即为核定额度；此前取原生效额度与核定额度之低者；"
          "自然人降级待复核期间沿用原生效额度", REPORTING),
    Field("approval_status", Kind.TEXT, "Whether the limit needs a person, and what that person said",
          "审批状态：自动、待审、已批、已拒"),
    Field("required_authority", Kind.TEXT, "Lowest role that may approve the limit; empty = nobody needs to",
          "所需审批层级；为空表示无需审批"),
    Field("applied_source", Kind.TEXT, "What the limit comes from: computed, manual, hard_stop",
          "额度来源：测算、人工、强制停止"),
    Field("utilisation", Kind.NUMBER, "Total exposure / credit limit; 9.99 when there is exposure without a limit",
          "额度使用率 = 敞口 ÷ 额度；有敞口而无额度时为 9.99", "ratio"),
    Field("headroom", Kind.MONEY, "Credit limit less total exposure; negative = over the limit",
          "剩余可用额度 = 额度 − 敞口；负数为超限", REPORTING),
    Field("hold", Kind.FLAG, "New orders and deliveries are to be stopped; false where two people released the hold",
          "冻结（停止接单及发货）；经两人批准解除的为否"),
    Field("hold_reasons", Kind.TEXT, "Rules that demand the hold, released or not, separated by commas; empty text = none",
          "触发冻结的规则（含已解除的），逗号分隔；空字符串表示无"),
    Field("candidate_limit", Kind.MONEY, "Limit by this method alone; empty = an input is missing and the candidate is dropped",
          "该方法单独测算的额度；为空表示缺少输入，候选作废", REPORTING),
    Field("inputs", Kind.JSON, "What went into the candidate", "测算输入"),
    Field("is_binding", Kind.FLAG, "This candidate set the limit", "该候选额度为最终生效依据"),
    # mart
    Field("tier_label_en", Kind.TEXT, "Name of the tier in English", "风险等级英文名称"),
    Field("tier_label_zh", Kind.TEXT, "Name of the tier in Chinese", "风险等级中文名称"),
    Field("reasons_en", Kind.TEXT, "Up to three reasons in English, separated by '; ': what decided first, then the "
          "factors that cost most",
          "至多三项原因（英文），以“; ”分隔：先列决定性原因，再列失分最多的因子"),
    Field("reasons_zh", Kind.TEXT, "Up to three reasons in Chinese, separated by '；': what decided first, then the "
          "factors that cost most",
          "至多三项原因（中文），以“；”分隔：先列决定性原因，再列失分最多的因子"),
)
