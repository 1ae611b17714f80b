/** Labels of expressions. */

/** Every label that a model may answer with, in the order of its outputs, as duygu.shared.schemas.messages has them. */
export const EMOTIONS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"];
