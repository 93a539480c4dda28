"""Fields of the factor tables: facts about a customer at an assessment date.

Put here: columns that first appear in a `factor` table, and the three columns every result table has. Keep out: source
columns (fields_ledger.py), scores and decisions (fields_decision.py), and which table uses which column (factor.py).
Formulas: docs of the factor catalogue; windows such as _12m are (add_months(as_of, -12), as_of].
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind, code_of

# The formatter would make eight lines of a field; one or two read as a table.
# fmt: off

# The eight factors of the ledger; each has a column `<factor>_code` beside it for the coded reason of a missing value.
LEDGER_FACTORS: tuple[Field, ...] = (
    Field("wavg_days_late_incl_open_12m", Kind.NUMBER, "Amount-weighted days late over 12 months, open overdue items included "
          "with their days past due",
          "近 12 个月金额加权迟付天数，含未结逾期项目", "days"),
    Field("overdue_ratio", Kind.NUMBER, "Overdue share of undisputed open receivables after offset",
          "逾期率：逾期金额占（抵减后、无争议）应收余额之比", "ratio"),
    Field("max_dpd_material", Kind.INTEGER, "Days past due of the oldest material debt: the largest d for which the debt "
          "overdue by at least d days reaches the materiality of the policy",
          "达到重要性金额的最长逾期天数", "days"),
    Field("days_late_trend_3v9", Kind.NUMBER, "Days late of the last 3 months less those of the 9 months before; positive = "
          "paying later",
          "迟付天数趋势：近 3 个月减此前 9 个月；正值表示恶化", "days"),
    Field("dishonoured_payments_12m", Kind.INTEGER, "Payments returned by the bank and bills dishonoured in 12 months",
          "近 12 个月退票、拒付及扣款失败次数", "count"),
    Field("dilution_ratio_12m", Kind.NUMBER,
          "Credit notes of 12 months against invoices, volume rebates and cash discounts left out",
          "近 12 个月稀释率：贷项（不含返利及现金折扣）占开票额之比", "ratio"),
    Field("unfounded_dispute_ratio_12m", Kind.NUMBER,
          "Disputed amount that was resolved in 12 months as the customer's to pay, against invoices",
          "近 12 个月无理争议比率：解决结果为客户应付的争议金额占开票额之比", "ratio"),
    Field("relationship_months", Kind.INTEGER,
          "Whole months since the first invoice or onboarding of the legal entity; a gap of more than 24 months restarts it",
          "合作月数：自该法律主体首张发票或准入起的整月数；中断超过 24 个月重新起算", "months"),
)

FIELDS: tuple[Field, ...] = (
    # every result table
    Field("as_of", Kind.DATE, "Assessment date: nothing dated later was seen", "评估基准日；此后发生的事项一律不可见"),
    Field("run_id", Kind.TEXT, "Run that computed the row", "生成该行的评估运行编号"),
    # customer state
    Field("customer_source", Kind.TEXT, "Where the customer is known from: the customer master, or derived from documents",
          "客户信息来源：客户主数据，或由单据推导"),
    Field("state_assumed", Kind.FLAG, "The customer's attributes were not known at the assessment date; the first known state "
          "is used",
          "评估日客户属性未知，采用首个已知版本"),
    Field("customer_segment", Kind.TEXT, "Segment in the customer master, the company's own grouping",
          "客户主数据中的企业自定义分类"),
    Field("credit_fx_rate", Kind.RATE, "Units of reporting currency for 1 unit of the credit currency at the assessment date",
          "评估日 1 单位授信币种折合报告币种的数量", "reporting currency per unit"),
    Field("identity_verified", Kind.FLAG, "A registration number is on file and its check digits, where it has some, are right",
          "主体身份已核实：登记号存在且校验位（如有）正确"),
    Field("distressed_plan", Kind.FLAG, "An instalment plan granted because the customer could not pay is in force",
          "存在因客户无力支付而签订的分期还款计划"),
    Field("plan_agreed_on", Kind.DATE, "Day the newest instalment plan in force was agreed", "有效分期还款计划中最近一次签订日"),
    Field("plan_broken_on", Kind.DATE, "Day the customer last broke an instalment plan", "客户最近一次违反分期还款计划的日期"),
    # open items
    Field("due_date_source", Kind.TEXT, "Where the due date comes from: given, terms code, contracted terms, the invoice date "
          "for lack of better, or the oldest unpaid instalment of a plan in force",
          "到期日来源：单据给定、付款条件、合同账期、以开票日代替，或有效分期计划中最早未付的一期"),
    Field("applied", Kind.MONEY, "Settled by cash and by bills, up to the assessment date", "截至评估日以现金及票据核销的金额"),
    Field("set_off", Kind.MONEY, "Settled by set-off against our debts to the customer", "以债务抵销方式结清的金额"),
    Field("credited", Kind.MONEY, "Taken back by credit notes, up to the assessment date", "以贷项通知冲减的金额"),
    Field("discounts", Kind.MONEY, "Cash discount granted", "给予的现金折扣"),
    Field("written_off", Kind.MONEY, "Given up as a loss, up to the assessment date", "截至评估日已核销的坏账金额"),
    Field("fx_difference", Kind.MONEY, "Exchange differences booked against the item", "汇兑差额"),
    Field("open_amount", Kind.MONEY, "Still open: amount - applied - set-off - credited - discounts - written off - exchange "
          "difference",
          "未清金额 = 金额 − 核销 − 抵销 − 贷项 − 折扣 − 坏账核销 − 汇兑差额"),
    Field("disputed_amount", Kind.MONEY, "Part of the open amount under an open dispute", "未清金额中处于争议的部分"),
    Field("shielded_amount", Kind.MONEY, "Disputed part that does not count as overdue yet (dispute shield of the policy)",
          "处于争议保护期、暂不计入逾期的金额"),
    Field("offset_amount", Kind.MONEY, "Covered by unapplied cash and credits of the same company code and currency, oldest "
          "due first",
          "由同公司代码、同币种的未核销收款及贷项抵减的金额（先到期先抵）"),
    Field("overdue_amount", Kind.MONEY, "Past due, undisputed, after offset", "逾期金额（剔除争议、抵减后）"),
    Field("fx_rate", Kind.RATE, "Units of reporting currency for 1 unit of the row's currency at the assessment date",
          "评估日 1 单位本行币种折合报告币种的数量", "reporting currency per unit"),
    Field("open_amount_reporting", Kind.MONEY, "Open amount in reporting currency", "未清金额（报告币种）", REPORTING),
    Field("overdue_amount_reporting", Kind.MONEY, "Overdue amount in reporting currency", "逾期金额（报告币种）", REPORTING),
    Field("days_past_due", Kind.INTEGER, "Assessment date less due date; zero or negative = not due",
          "逾期天数 = 评估日 − 到期日；小于等于零为未到期", "days"),
    Field("residual", Kind.FLAG, "Small rest of a partly settled item: settled for the oldest debt, never for exposure",
          "部分结清后的小额尾差：不计入最长逾期，仍计入敞口"),
    Field("aging_bucket", Kind.TEXT, "Age class of the open item by days past due", "账龄区间（按逾期天数）"),
    # exposure, reporting currency
    Field("open_exposure", Kind.MONEY, "All open items except advance requests, reversals with their sign, before offset and "
          "disputes",
          "应收账款余额：除预收款请求外全部未清项目（冲销按正负号计），抵减及争议前", REPORTING),
    Field("aging_not_due", Kind.MONEY, "Open and not yet due, gross", "未到期应收（总额）", REPORTING),
    Field("aging_1_30", Kind.MONEY, "Open and 1 to 30 days past due, gross", "逾期 1–30 天应收（总额）", REPORTING),
    Field("aging_31_60", Kind.MONEY, "Open and 31 to 60 days past due, gross", "逾期 31–60 天应收（总额）", REPORTING),
    Field("aging_61_90", Kind.MONEY, "Open and 61 to 90 days past due, gross", "逾期 61–90 天应收（总额）", REPORTING),
    Field("aging_over_90", Kind.MONEY, "Open and more than 90 days past due, gross", "逾期 90 天以上应收（总额）", REPORTING),
    Field("overdue_gross", Kind.MONEY, "Everything past due, before offset and disputes", "逾期总额（抵减及争议前）", REPORTING),
    Field("overdue", Kind.MONEY, "Past due, undisputed, after offset by unapplied cash and credits",
          "逾期净额（剔除争议，并以未核销收款及贷项抵减后）", REPORTING),
    Field("undisputed_open", Kind.MONEY, "Open without the shielded disputed part, after offset",
          "无争议应收余额（抵减后）", REPORTING),
    Field("disputed_open", Kind.MONEY, "Open and under dispute", "争议中的应收余额", REPORTING),
    Field("max_days_past_due", Kind.INTEGER, "Days past due of the oldest open item, material or not; residuals that count as "
          "settled are left out",
          "最长逾期天数（不论是否重大；视同已结清的尾差不计）", "days"),
    Field("unapplied_cash", Kind.MONEY, "Money received that is not matched to an invoice", "未核销（未认领）收款"),
    Field("unapplied_credits", Kind.MONEY, "Credit notes not matched to an invoice", "未核销贷项"),
    Field("bills_in_hand_commercial", Kind.MONEY, "Commercial acceptance bills in our hands, not matured",
          "在手未到期商业承兑汇票", REPORTING),
    Field("bills_in_hand_bank", Kind.MONEY, "Bank acceptance bills in our hands, not matured",
          "在手未到期银行承兑汇票", REPORTING),
    Field("discounted_or_endorsed_with_recourse", Kind.MONEY, "Bills discounted or endorsed for which we stay liable, not "
          "matured",
          "已贴现或背书但仍负追索责任的未到期票据", REPORTING),
    Field("factored_with_recourse", Kind.MONEY, "Open invoices sold to a factor with recourse to us",
          "有追索权保理的未清应收", REPORTING),
    Field("factored_without_recourse", Kind.MONEY, "Open invoices sold to a factor without recourse",
          "无追索权保理的未清应收", REPORTING),
    Field("retention", Kind.MONEY, "Open retentions (guarantee money held back by the customer)", "未收回的质保金", REPORTING),
    Field("advance_payments_received", Kind.MONEY, "Advance payments received and not used up", "尚未抵用的预收款"),
    Field("open_orders", Kind.MONEY, "Orders not delivered yet, all of them; only those planned within the days of the policy "
          "enter total_exposure",
          "全部未交付订单金额；仅计划在政策规定天数内交付的部分计入总敞口", REPORTING),
    Field("total_exposure", Kind.MONEY, "Credit exposure: components weighted by the policy, never below zero per company "
          "code and currency",
          "信用风险敞口合计：各组成部分按政策权重加总，每一公司代码及币种不低于零", REPORTING),
    Field("n_open_invoices", Kind.INTEGER, "Open items", "未清项目笔数", "count"),
    Field("n_overdue_invoices", Kind.INTEGER, "Open items past due, undisputed, after offset",
          "逾期项目笔数（剔除争议、抵减后）", "count"),
    Field("n_items", Kind.INTEGER, "Documents billed up to the assessment date", "截至评估日的单据笔数", "count"),
    Field("billed", Kind.MONEY, "Billed in all up to the assessment date, without advance requests",
          "截至评估日的累计开票金额（不含预收款请求）"),
    # transaction history
    Field("evidence_date", Kind.DATE, "Day of the newest evidence behind the value", "所依据证据的最新日期"),
    Field("wavg_days_late_12m", Kind.NUMBER, "Amount-weighted days late of what was paid in 12 months; early payment counts "
          "as 0",
          "近 12 个月已付款项的金额加权迟付天数（提前付款按 0 计）", "days"),
    Field("wavg_days_late_signed_12m", Kind.NUMBER, "The same with early payment as negative days",
          "近 12 个月已付款项的金额加权迟付天数（提前付款为负）", "days"),
    Field("on_time_ratio_12m", Kind.NUMBER, "Invoices paid on time, of those due in 12 months, open past-due items included",
          "近 12 个月按期付款率（按笔数，分母含未结逾期）", "ratio"),
    Field("on_time_amount_ratio_12m", Kind.NUMBER, "The same by amount", "近 12 个月按期付款率（按金额）", "ratio"),
    Field("dispute_ratio_12m", Kind.NUMBER, "Invoices disputed, of those issued in 12 months",
          "近 12 个月争议发票占比（按笔数）", "ratio"),
    Field("dispute_amount_ratio_12m", Kind.NUMBER, "Amount disputed, of the amount billed in 12 months",
          "近 12 个月争议金额占开票额之比", "ratio"),
    Field("dso_days", Kind.NUMBER, "Days sales outstanding: receivables x days of the period / sales of the period",
          "应收账款周转天数（DSO）", "days"),
    Field("sales_3m", Kind.MONEY, "Sales of 3 months: invoices less credit notes except cash discount, gross of tax",
          "近 3 个月销售额（含税，扣除除现金折扣外的贷项）", REPORTING),
    Field("sales_12m", Kind.MONEY, "Sales of 12 months: invoices less credit notes except cash discount, gross of tax",
          "近 12 个月销售额（含税，扣除除现金折扣外的贷项）", REPORTING),
    Field("avg_monthly_sales_3m", Kind.MONEY, "Sales a month over the last 3 months", "近 3 个月月均销售额", REPORTING),
    Field("avg_monthly_sales_12m", Kind.MONEY, "Sales a month over the months since the first invoice, at least 3 and at most "
          "12",
          "月均销售额（自首张发票起，至少 3 个月、至多 12 个月）", REPORTING),
    Field("sales_volatility_12m", Kind.NUMBER, "Standard deviation of monthly sales over 12 months divided by their mean",
          "近 12 个月月销售额变异系数（标准差/均值）", "ratio"),
    Field("n_invoices_12m", Kind.INTEGER, "Invoices issued in 12 months", "近 12 个月开票笔数", "count"),
    Field("n_applications_12m", Kind.INTEGER, "Payments and set-offs applied to invoices in 12 months",
          "近 12 个月付款及抵销的核销笔数", "count"),
    Field("first_invoice_date", Kind.DATE, "Date of the first invoice", "首张发票日期"),
    Field("last_invoice_date", Kind.DATE, "Date of the newest invoice", "最近一张发票日期"),
    Field("last_payment_date", Kind.DATE, "Value date of the newest payment", "最近一次收款起息日"),
    Field("months_since_first_invoice", Kind.INTEGER, "Months begun since the first invoice, the divisor of monthly averages "
          "before its bounds",
          "自首张发票起的月数，月均指标的除数（未加上下限）", "months"),
    Field("dishonoured_payments_6m", Kind.INTEGER, "Payments returned and bills dishonoured in 6 months",
          "近 6 个月退票、拒付及扣款失败次数", "count"),
    Field("uncollectible_written_off_12m", Kind.MONEY, "Written off in 12 months as uncollectible",
          "近 12 个月因无法收回而核销的坏账", REPORTING),
    Field("n_open_disputes", Kind.INTEGER, "Disputes open at the assessment date", "评估日未决争议笔数", "count"),
    Field("unknown_clearing_12m", Kind.MONEY, "Invoices closed in 12 months for an unknown cause; they count neither as paid "
          "on time nor as late",
          "近 12 个月清账原因不明的金额；不计入按期也不计入迟付", REPORTING),
    *LEDGER_FACTORS,
    *map(code_of, LEDGER_FACTORS),
)
