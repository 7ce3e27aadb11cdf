package io.pgcaravan.status;

import java.util.Locale;

/** Numbers as people read them. */
public final class Words {

    private Words() {}

    /** A time, such as {@code 8.2 s}, {@code 12 min} or {@code 3 h}. */
    public static String age(double seconds) {
        if (seconds < 10) {
            return String.format(Locale.ROOT, "%.1f s", Math.max(0, seconds));
        }
        long whole = Math.round(seconds);
        if (whole < 120) {
            return whole + " s";
        }
        if (whole < 7200) {
            return whole / 60 + " min";
        }
        return whole < 172_800 ? whole / 3600 + " h" : whole / 86_400 + " d";
    }

    /** A size, such as {@code 1.4 GB}. */
    public static String bytes(double bytes) {
        String[] units = {"B", "kB", "MB", "GB", "TB", "PB"};
        double size = bytes;
        int unit = 0;
        while (size >= 1024 && unit < units.length - 1) {
            size /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, size < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", size, units[unit]);
    }

    /** A number with its thousands apart. */
    public static String count(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }
}
