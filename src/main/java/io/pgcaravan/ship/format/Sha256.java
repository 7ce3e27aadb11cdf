package io.pgcaravan.ship.format;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The hash in every file that we write for others. */
public final class Sha256 {

    private Sha256() {}

    /** A new one; every Java has it. */
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
