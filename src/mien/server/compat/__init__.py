"""What clients of other servers expect: CompreFace under ``/api/v1``, DeepFace under ``/deepface``.

Thin layers over the same galleries, keys, limits and engine. Errors are raised as everywhere; `dialect` puts them into
the words of whoever was asked.
"""
