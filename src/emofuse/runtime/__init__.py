"""Prediction with ONNX Runtime: bundles, models, fusion."""
