"""Pages and files made for people from contracts and results. Keep out: anything that computes or decides."""
