package io.pgcaravan.ship.format;

import com.fasterxml.jackson.annotation.JsonValue;
import com.github.luben.zstd.ZstdInputStream;
import com.github.luben.zstd.ZstdOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Locale;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** How the ids and records of a set are compressed; the one line of column names never is. */
public enum Compression {
    NONE(""),
    GZIP(".gz"),
    ZSTD(".zst");

    private static final int BUFFER = 1 << 16;

    /** 8 MB: what level 3 and its kin ask for, and far below what a hostile file might make us allocate. */
    private static final int LARGEST_ZSTD_WINDOW = 23;

    private final String suffix;

    Compression(String suffix) {
        this.suffix = suffix;
    }

    /** What a file name ends in, empty for none. */
    public String suffix() {
        return suffix;
    }

    /** The name in options and in {@code .done}. */
    @JsonValue
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws IllegalArgumentException where the word is not none, gzip or zstd */
    public static Compression of(String word) {
        for (Compression compression : values()) {
            if (compression.word().equals(word)) {
                return compression;
            }
        }
        throw new IllegalArgumentException("unknown compression \"" + word + "\"; expected one of none, gzip, zstd");
    }

    /** Compresses into a stream; closing ends the compressed data and closes the stream. */
    OutputStream compress(OutputStream out) throws IOException {
        return switch (this) {
            case NONE -> out;
            case GZIP -> new FastGzip(out);
            case ZSTD -> new ZstdOutputStream(out);
        };
    }

    public InputStream decompress(InputStream in) throws IOException {
        return switch (this) {
            case NONE -> in;
            case GZIP -> new GZIPInputStream(in, BUFFER);
            case ZSTD -> new ZstdInputStream(in).setLongMax(LARGEST_ZSTD_WINDOW);
        };
    }

    private static final class FastGzip extends GZIPOutputStream {
        FastGzip(OutputStream out) throws IOException {
            super(out, BUFFER);
            // COPY's text shrinks nearly as much as at the default level, in half the time
            def.setLevel(Deflater.BEST_SPEED);
        }
    }
}
