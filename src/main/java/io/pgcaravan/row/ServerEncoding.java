package io.pgcaravan.row;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * PostgreSQL's names for encodings, and what Java calls them.
 *
 * @see <a href="https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED">Supported character
 *     sets</a>
 */
public final class ServerEncoding {

    private static final Map<String, String> JAVA_NAMES = new HashMap<>(Map.ofEntries(
            Map.entry("UTF8", "UTF-8"),
            // bytes without a meaning; UTF-8 is what they mostly are, and the others are noticed
            Map.entry("SQL_ASCII", "UTF-8"),
            Map.entry("LATIN1", "ISO-8859-1"),
            Map.entry("LATIN2", "ISO-8859-2"),
            Map.entry("LATIN3", "ISO-8859-3"),
            Map.entry("LATIN4", "ISO-8859-4"),
            Map.entry("LATIN5", "ISO-8859-9"),
            Map.entry("LATIN7", "ISO-8859-13"),
            Map.entry("LATIN9", "ISO-8859-15"),
            Map.entry("LATIN10", "ISO-8859-16"),
            Map.entry("WIN866", "IBM866"),
            Map.entry("WIN874", "x-windows-874"),
            Map.entry("KOI8R", "KOI8-R"),
            Map.entry("KOI8U", "KOI8-U"),
            Map.entry("EUC_JP", "x-eucJP-Open"),
            Map.entry("EUC_CN", "GB2312"),
            Map.entry("EUC_KR", "EUC-KR"),
            Map.entry("EUC_TW", "x-EUC-TW"),
            Map.entry("SJIS", "windows-31j"),
            Map.entry("SHIFT_JIS_2004", "x-SJIS_0213"),
            Map.entry("BIG5", "Big5"),
            Map.entry("GBK", "GBK"),
            Map.entry("GB18030", "GB18030"),
            Map.entry("UHC", "x-windows-949"),
            Map.entry("JOHAB", "x-Johab")));

    static {
        for (int n = 0; n <= 8; n++) {
            JAVA_NAMES.put("WIN125" + n, "windows-125" + n);
        }
        for (int n = 5; n <= 8; n++) {
            JAVA_NAMES.put("ISO_8859_" + n, "ISO-8859-" + n);
        }
    }

    /** Latin alphabets that Java lacks; they are Latin 1 with these letters in the place of those. */
    private static final Charset LATIN6 = new AdjustedCharset(
            "x-pgcaravan-latin6",
            StandardCharsets.ISO_8859_1,
            "¡¢£¤¥¦¨©ª«¬®¯±²³´µ¶¸¹º»¼½¾¿ÀÇÈÊÌÑÒ×Ùàçèêìñò÷ùÿ",
            "ĄĒĢĪĨĶĻĐŠŦŽŪŊąēģīĩķļđšŧž―ūŋĀĮČĘĖŅŌŨŲāįčęėņōũųĸ");

    private static final Charset LATIN8 = new AdjustedCharset(
            "x-pgcaravan-latin8",
            StandardCharsets.ISO_8859_1,
            "¡¢¤¥¦¨ª«¬¯°±²³´µ·¸¹º»¼½¾¿Ð×Þð÷þ",
            "ḂḃĊċḊẀẂḋỲŸḞḟĠġṀṁṖẁṗẃṠỳẄẅṡŴṪŶŵṫŷ");

    /** Dashes, signs and a bar for which PostgreSQL follows the wide forms of Windows, as its conversion maps have them. */
    private static final String EUC_JP_JAVA = "\u2014\u301c\u2016\u2212\u00a2\u00a3\u00ac\u00a6";

    private static final String EUC_JP_POSTGRES = "\u2015\uff5e\u2225\uff0d\uffe0\uffe1\uffe2\uffe4";

    private ServerEncoding() {}

    /**
     * The charset of a database encoding.
     *
     * @param name as {@code show server_encoding} or {@code pg_encoding_to_char} write it
     * @throws IllegalArgumentException where Java has none
     */
    public static Charset charsetOf(String name) {
        String postgres = name.toUpperCase(Locale.ROOT);
        if (postgres.equals("LATIN6")) {
            return LATIN6;
        }
        if (postgres.equals("LATIN8")) {
            return LATIN8;
        }
        String java = JAVA_NAMES.get(postgres);
        if (java == null || !Charset.isSupported(java)) {
            throw new IllegalArgumentException("rows of a database in encoding " + name
                    + " cannot be decoded: this Java has no such character set");
        }
        Charset charset = Charset.forName(java);
        return postgres.equals("EUC_JP")
                ? new AdjustedCharset("x-pgcaravan-euc-jp", charset, EUC_JP_JAVA, EUC_JP_POSTGRES)
                : charset;
    }
}
