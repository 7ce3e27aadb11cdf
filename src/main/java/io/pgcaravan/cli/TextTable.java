package io.pgcaravan.cli;

import io.pgcaravan.app.PlainWriter;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Columns for a terminal, as wide as what is in them, two spaces apart. */
final class TextTable {

    private final boolean[] right;
    private final List<String[]> rows = new ArrayList<>();

    /** @param headings with {@code " | "} between them; one that starts with {@code >} makes its column flush right */
    TextTable(String headings) {
        String[] first = headings.split(" \\| ");
        right = new boolean[first.length];
        for (int i = 0; i < first.length; i++) {
            right[i] = first[i].startsWith(">");
            first[i] = right[i] ? first[i].substring(1) : first[i];
        }
        rows.add(first);
    }

    /** A cell is one line, whatever it holds; null is a dash. */
    void add(Object... cells) {
        rows.add(Stream.of(cells)
                .map(cell -> cell == null ? "-" : PlainWriter.oneLine(cell.toString()))
                .toArray(String[]::new));
    }

    void print(PrintWriter out) {
        int[] widths = new int[right.length];
        for (String[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                widths[i] = Math.max(widths[i], width(row[i]));
            }
        }
        for (String[] row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.length; i++) {
                String gap = " ".repeat(widths[i] - width(row[i]));
                line.append(i == 0 ? "" : "  ").append(right[i] ? gap + row[i] : row[i] + gap);
            }
            out.println(line.toString().stripTrailing());
        }
    }

    private static int width(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
