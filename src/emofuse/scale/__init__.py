"""Tables and folders of any size through a predictor, here or on a cluster."""
