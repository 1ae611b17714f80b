"""The crops for the second trunk: face-api's expression network reads 112 pixels of the box without its outer tenth."""

from duygu.shared.model.folder import SecondTrunkSettings

MIT = """MIT License

Copyright (c) 2018 Vincent Mühler
Copyright (c) Vladimir Mandic

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated \
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the \
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit \
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the \
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE \
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR \
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR \
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

FACE_API_CROPS = SecondTrunkSettings(
    name="face-api.js, face expression recognition",
    licence=MIT,
    size=112,
    margin=-0.1,
    period=5,
    places=(1, 3),
)
"""Two of five crops, so that windows of ten crops with a stride of five share them."""
