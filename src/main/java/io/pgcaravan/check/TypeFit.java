package io.pgcaravan.check;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Whether every value of one type, written as text, can be read as another. Names are those of format_type. */
final class TypeFit {

    private static final Pattern LENGTH = Pattern.compile("(character varying|character|bit|bit varying)\\((\\d+)\\)");
    private static final List<String> INTEGERS = List.of("smallint", "integer", "bigint");
    private static final Map<String, Set<String>> HOLDS = Map.of(
            "double precision", Set.of("real", "smallint", "integer"),
            "real", Set.of("smallint"),
            "numeric", Set.of("smallint", "integer", "bigint"),
            "jsonb", Set.of("json"),
            "json", Set.of("jsonb"),
            "inet", Set.of("cidr"));

    private TypeFit() {}

    /** Why some values may not fit, to continue a sentence; null where all do. */
    static String doubt(String source, String target) {
        if (source.equals(target)) {
            return null;
        }
        String from = source.replaceAll("\\(.*?\\)", "");
        String to = target.replaceAll("\\(.*?\\)", "");
        if (to.equals("text") || target.equals("character varying")) {
            return null;
        }
        int there = length(target);
        if (there >= 0) {
            int here = length(source);
            return here >= 0 && here <= there ? null : "longer values are refused";
        }
        boolean unlimited = to.equals(target);
        if (unlimited && from.equals(to)
                || unlimited && HOLDS.getOrDefault(to, Set.of()).contains(from)
                || INTEGERS.contains(from) && INTEGERS.indexOf(from) < INTEGERS.indexOf(to)) {
            return null;
        }
        if (from.equals(to)) {
            return "values are rounded, or refused where they do not fit";
        }
        if (from.startsWith("timestamp") && to.startsWith("timestamp")) {
            return to.contains("with time zone")
                    ? "values are taken as times in UTC"
                    : "values lose their offset from UTC";
        }
        return "values that cannot be read as such are refused";
    }

    private static int length(String type) {
        Matcher length = LENGTH.matcher(type);
        return length.matches() ? Integer.parseInt(length.group(2)) : -1;
    }
}
