package io.pgcaravan.app;

import java.io.PrintWriter;
import java.io.Writer;

/**
 * What commands print. Names and values come from anywhere, and on their way to a terminal they could move its cursor, recolour
 * or retitle it, or turn the text around: here, whatever is no visible character comes out as its code. Line ends and tabs stay.
 */
public final class PlainWriter extends PrintWriter {

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
        int at = 0;
        while (at < text.length() && !hidden(text.charAt(at))) {
            at++;
        }
        if (at == text.length()) {
            return text;
        }
        StringBuilder visible = new StringBuilder(text.length() + 16).append(text, 0, at);
        for (; at < text.length(); at++) {
            char c = text.charAt(at);
            if (hidden(c)) {
                visible.append(String.format("\\u%04x", (int) c));
            } else {
                visible.append(c);
            }
        }
        return visible.toString();
    }

    /** The same on one line, for what is one field of several. */
    public static String oneLine(String text) {
        return visible(text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t"));
    }

    private static boolean hidden(char c) {
        return c < ' ' && c != '\n' && c != '\t'
                || c >= 0x7f && c <= 0x9f
                // line ends that only some know, and what changes the direction of text
                || c == 0x2028
                || c == 0x2029
                || c == 0x200e
                || c == 0x200f
                || c == 0x61c
                || c >= 0x202a && c <= 0x202e
                || c >= 0x2066 && c <= 0x2069;
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
