/** Labels of expressions. */

/** Every label that a model may predict, in the order of its outputs, as duygu.shared.schemas.emotions has them. */
export const EMOTIONS = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"];
