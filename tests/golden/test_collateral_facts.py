"""factor.collateral_item and factor.collateral by hand: what counts as security in a limit, how much, until when."""
