"""zstd: every kind of level, several threads, checksums, dictionaries, long distances."""

from compression import zstd

text = b"one Python of your own " * 100_000
for level in (-100, 1, 3, 22):
    assert zstd.decompress(zstd.compress(text, level)) == text
Option = zstd.CompressionParameter
for options in (
    {Option.nb_workers: 2},  # an error where it was compiled without threads
    {Option.checksum_flag: 1},
    {Option.enable_long_distance_matching: 1, Option.window_log: 27},
):
    assert zstd.decompress(zstd.compress(text, options=options)) == text
dictionary = zstd.train_dict([b"%d cups of tea for %d" % (n, n * 7) for n in range(10_000)], 5000)
packed = zstd.compress(b"3 cups of tea for 21", zstd_dict=dictionary)
assert zstd.decompress(packed, zstd_dict=dictionary) == b"3 cups of tea for 21"
