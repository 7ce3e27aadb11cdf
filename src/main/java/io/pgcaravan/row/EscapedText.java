package io.pgcaravan.row;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Url-encoded text of a source database: escaped bytes are in its encoding, others in UTF-8. */
final class EscapedText {

    // what a text holds, as bits
    static final int ESCAPED = 1;
    static final int RAW_HIGH = 2;
    static final int ESCAPED_HIGH = 4;
    static final int HAS_ZERO = 8;

    static final byte[] HEX = new byte[256];

    static {
        for (int i = 0; i < 256; i++) {
            HEX[i] = (byte) Character.digit(i < 128 ? i : 0, 16);
        }
    }

    private EscapedText() {}

    /** Decodes escapes that were checked before; returns the end of what it wrote. */
    static int unescape(byte[] raw, int from, int to, byte[] out, int start) {
        int end = start;
        for (int at = from; at < to; at++) {
            byte b = raw[at];
            if (b == '%') {
                b = (byte) (HEX[raw[at + 1] & 0xff] << 4 | HEX[raw[at + 2] & 0xff]);
                at += 2;
            } else if (b == '+') {
                b = ' ';
            }
            out[end++] = b;
        }
        return end;
    }

    /** Whether the text is in UTF-8 once its escapes are decoded. */
    static boolean isUtf8(Charset encoding, int flags) {
        return (flags & ESCAPED_HIGH) == 0 || encoding.equals(StandardCharsets.UTF_8);
    }

    /**
     * A text in UTF-8, null where its bytes are no text in the source's encoding.
     *
     * @param raw holds the encoded text from {@code from} to {@code to}
     * @param bytes holds the same without escapes, from {@code start} to {@code end}
     */
    static byte[] toUtf8(Charset encoding, byte[] raw, int from, int to, int flags, byte[] bytes, int start, int end) {
        if (isUtf8(encoding, flags)) {
            return Utf8.isValid(bytes, start, end) ? Arrays.copyOfRange(bytes, start, end) : null;
        }
        try {
            ByteBuffer source = (flags & RAW_HIGH) == 0
                    ? ByteBuffer.wrap(bytes, start, end - start)
                    : asStored(encoding, raw, from, to);
            // a new coder reports what it cannot code
            return encoding.newDecoder().decode(source).toString().getBytes(StandardCharsets.UTF_8);
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    /** The bytes of a partly escaped text as the source database stored them. */
    private static ByteBuffer asStored(Charset encoding, byte[] raw, int from, int to) throws CharacterCodingException {
        ByteArrayOutputStream source = new ByteArrayOutputStream(to - from);
        byte[] piece = new byte[to - from];
        int at = from;
        while (at < to) {
            int end = at;
            while (end < to && raw[end] < 0) {
                end++;
            }
            if (end > at) {
                ByteBuffer encoded = encoding.newEncoder()
                        .encode(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(raw, at, end - at)));
                source.write(encoded.array(), encoded.arrayOffset(), encoded.remaining());
                at = end;
            }
            while (end < to && raw[end] >= 0) {
                end++;
            }
            source.write(piece, 0, unescape(raw, at, end, piece, 0));
            at = end;
        }
        return ByteBuffer.wrap(source.toByteArray());
    }

    /** Where a text has its first zero byte, escaped or not. */
    static int zero(byte[] raw, int from, int to) {
        for (int at = from; at < to; at++) {
            if (raw[at] == 0 || raw[at] == '%' && raw[at + 1] == '0' && raw[at + 2] == '0') {
                return at;
            }
        }
        return from;
    }
}
