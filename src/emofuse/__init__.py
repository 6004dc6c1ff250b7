"""Emotion and sentiment from text, faces and photos, alone or fused."""
