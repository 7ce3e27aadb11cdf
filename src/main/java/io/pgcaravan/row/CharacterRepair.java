package io.pgcaravan.row;

import io.pgcaravan.batch.Event;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.util.function.BiConsumer;

/**
 * What becomes of characters that cannot be loaded: bytes that are none in the source's encoding and {@code %00} become
 * U+FFFD, and what the destination's encoding lacks becomes {@code ?}. Not thread-safe.
 */
public final class CharacterRepair {

    private static final char REPLACEMENT = '\uFFFD';

    private final CharsetEncoder destination;
    private final BiConsumer<Event, String> told;

    /**
     * @param encoding the destination's, as PostgreSQL or londiste write it: UTF8, utf-8, LATIN1
     * @param told gets each event and column in which something was replaced
     * @throws IllegalArgumentException where Java has no such encoding
     */
    public CharacterRepair(String encoding, BiConsumer<Event, String> told) {
        String name = encoding.strip();
        Charset charset = ServerEncoding.charsetOf(name.equalsIgnoreCase("utf-8") ? "UTF8" : name);
        this.destination = charset.newEncoder();
        this.told = told;
    }

    /**
     * A text that the destination can hold.
     *
     * @param broken whether bytes were no characters
     */
    String of(Event event, String column, String text, boolean broken) {
        boolean whole = !broken && text.indexOf('\0') < 0;
        if (whole && destination.canEncode(text)) {
            return text;
        }
        StringBuilder repaired = new StringBuilder(text.length());
        text.codePoints().map(point -> point == 0 ? REPLACEMENT : point).forEach(point -> {
            String letter = Character.toString(point);
            repaired.append(destination.canEncode(letter) ? letter : "?");
        });
        told.accept(event, column);
        return repaired.toString();
    }
}
