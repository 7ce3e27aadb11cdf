package io.pgcaravan.app;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.regex.Pattern;

/**
 * What commands print. Names and values come from anywhere, and on their way to a terminal they could move its cursor, recolour
 * or retitle it, or turn the text around: here, whatever is no visible character comes out as its code. Line ends and tabs stay.
 */
public final class PlainWriter extends PrintWriter {

    /** Control characters, line ends that only some know, and what changes the direction of text. */
    private static final Pattern HIDDEN = Pattern.compile(
            "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u200e\\u200f\\u061c\\u202a-\\u202e\\u2066-\\u2069]");

    private final PrintWriter drawn;

    /** @param out what the text goes to */
    public PlainWriter(PrintWriter out) {
        super(new Visible(out), true);
        this.drawn = out;
    }

    /** For what draws on the terminal itself, and prints only texts that went through {@link #visible}. */
    public static PrintWriter drawing(PrintWriter out) {
        return out instanceof PlainWriter plain ? plain.drawn : out;
    }

    /** The text with codes in place of what could not be seen, except line ends and tabs. */
    static String visible(String text) {
        return HIDDEN.matcher(text)
                .replaceAll(hidden ->
                        String.format("\\\\u%04x", (int) hidden.group().charAt(0)));
    }

    /** The same on one line, for what is one field of several. */
    public static String oneLine(String text) {
        return visible(text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t"));
    }

    private static final class Visible extends Writer {

        private final PrintWriter out;

        Visible(PrintWriter out) {
            this.out = out;
        }

        @Override
        public void write(char[] text, int from, int length) {
            out.write(visible(new String(text, from, length)));
        }

        @Override
        public void flush() {
            out.flush();
        }

        @Override
        public void close() {
            out.close();
        }
    }
}
