package io.pgcaravan.row;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CoderResult;
import java.util.HashMap;
import java.util.Map;

/** A charset of Java's in which some bytes mean other characters, so that they mean what PostgreSQL takes them for. */
final class AdjustedCharset extends Charset {

    private final Charset base;
    private final Map<Character, Character> adjusted = new HashMap<>();
    private final Map<Character, Character> original = new HashMap<>();

    /**
     * @param javas characters of {@code base}
     * @param postgres what the bytes of each of them mean instead
     */
    AdjustedCharset(String name, Charset base, String javas, String postgres) {
        super(name, null);
        this.base = base;
        for (int i = 0; i < javas.length(); i++) {
            if (javas.charAt(i) != postgres.charAt(i)) {
                adjusted.put(javas.charAt(i), postgres.charAt(i));
                original.put(postgres.charAt(i), javas.charAt(i));
            }
        }
    }

    @Override
    public boolean contains(Charset other) {
        return false;
    }

    @Override
    public CharsetDecoder newDecoder() {
        CharsetDecoder decoder = base.newDecoder();
        return new CharsetDecoder(this, decoder.averageCharsPerByte(), decoder.maxCharsPerByte()) {
            @Override
            protected CoderResult decodeLoop(ByteBuffer in, CharBuffer out) {
                int from = out.position();
                // whether an unfinished character is the input's end, the class above asks
                CoderResult result = decoder.reset().decode(in, out, false);
                for (int i = from; i < out.position(); i++) {
                    Character other = adjusted.get(out.get(i));
                    if (other != null) {
                        out.put(i, other);
                    }
                }
                return result;
            }
        };
    }

    @Override
    public CharsetEncoder newEncoder() {
        CharsetEncoder encoder = base.newEncoder();
        return new CharsetEncoder(this, encoder.averageBytesPerChar(), encoder.maxBytesPerChar()) {
            @Override
            protected CoderResult encodeLoop(CharBuffer in, ByteBuffer out) {
                while (in.hasRemaining()) {
                    char c = in.get(in.position());
                    Character back = original.get(c);
                    if (back == null && adjusted.containsKey(c)) {
                        return CoderResult.unmappableForLength(1);
                    }
                    CharBuffer one = CharBuffer.wrap(new char[] {back == null ? c : back});
                    CoderResult result = encoder.reset().encode(one, out, true);
                    if (!result.isUnderflow()) {
                        return result;
                    }
                    in.get();
                }
                return CoderResult.UNDERFLOW;
            }
        };
    }
}
