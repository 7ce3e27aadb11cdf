package io.pgcaravan.row;

/** Tells whether bytes are UTF-8 as PostgreSQL takes it: shortest forms only, no surrogates, up to U+10FFFF. */
final class Utf8 {

    private Utf8() {}

    static boolean isValid(byte[] bytes, int from, int to) {
        int at = from;
        while (at < to) {
            int lead = bytes[at++];
            if (lead >= 0) {
                continue;
            }
            lead &= 0xff;
            int following;
            int lowest = 0x80;
            int highest = 0xbf;
            if (lead >= 0xc2 && lead <= 0xdf) {
                following = 1;
            } else if (lead >= 0xe0 && lead <= 0xef) {
                following = 2;
                lowest = lead == 0xe0 ? 0xa0 : 0x80;
                highest = lead == 0xed ? 0x9f : 0xbf;
            } else if (lead >= 0xf0 && lead <= 0xf4) {
                following = 3;
                lowest = lead == 0xf0 ? 0x90 : 0x80;
                highest = lead == 0xf4 ? 0x8f : 0xbf;
            } else {
                return false;
            }
            if (to - at < following) {
                return false;
            }
            for (int i = 0; i < following; i++) {
                int next = bytes[at++] & 0xff;
                if (next < lowest || next > highest) {
                    return false;
                }
                lowest = 0x80;
                highest = 0xbf;
            }
        }
        return true;
    }
}
