"""Contains all the data models used in inputs/outputs"""

from .batch_body import BatchBody
from .emotion import Emotion
from .emotion_probabilities import EmotionProbabilities
from .erasure import Erasure
from .erasure_deleted import ErasureDeleted
from .error_entry import ErrorEntry
from .explain_body import ExplainBody
from .explain_response_200 import ExplainResponse200
from .explain_response_200_explanations_item import ExplainResponse200ExplanationsItem
from .face import Face
from .face_box import FaceBox
from .feedback_body import FeedbackBody
from .feedback_body_models import FeedbackBodyModels
from .health import Health
from .modality import Modality
from .modality_prediction import ModalityPrediction
from .model_summary import ModelSummary
from .model_summary_metrics_item import ModelSummaryMetricsItem
from .notice import Notice
from .predict_batch_response_200 import PredictBatchResponse200
from .predict_body import PredictBody
from .prediction import Prediction
from .prediction_fine_emotions import PredictionFineEmotions
from .prediction_models import PredictionModels
from .problem import Problem
from .problem_fields import ProblemFields
from .receipt import Receipt
from .sample_body import SampleBody
from .sentiment import Sentiment
from .sentiment_probabilities import SentimentProbabilities
from .subject_record import SubjectRecord
from .subject_record_corrections_item import SubjectRecordCorrectionsItem
from .subject_record_history_item import SubjectRecordHistoryItem

__all__ = (
    "BatchBody",
    "Emotion",
    "EmotionProbabilities",
    "Erasure",
    "ErasureDeleted",
    "ErrorEntry",
    "ExplainBody",
    "ExplainResponse200",
    "ExplainResponse200ExplanationsItem",
    "Face",
    "FaceBox",
    "FeedbackBody",
    "FeedbackBodyModels",
    "Health",
    "Modality",
    "ModalityPrediction",
    "ModelSummary",
    "ModelSummaryMetricsItem",
    "Notice",
    "PredictBatchResponse200",
    "PredictBody",
    "Prediction",
    "PredictionFineEmotions",
    "PredictionModels",
    "Problem",
    "ProblemFields",
    "Receipt",
    "SampleBody",
    "Sentiment",
    "SentimentProbabilities",
    "SubjectRecord",
    "SubjectRecordCorrectionsItem",
    "SubjectRecordHistoryItem",
)
