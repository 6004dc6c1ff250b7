"""Streams of predictions: smoothed, with alarms when something changes."""

from emofuse.tracking.observation import Observation, observe
from emofuse.tracking.state import TRACK_SCHEMA, Mood, TrackState
from emofuse.tracking.track import Alarms, Hysteresis
from emofuse.tracking.tracker import Tracker
from emofuse.tracking.turn import parse_turn

__all__ = [
    "TRACK_SCHEMA",
    "Alarms",
    "Hysteresis",
    "Mood",
    "Observation",
    "TrackState",
    "Tracker",
    "observe",
    "parse_turn",
]
