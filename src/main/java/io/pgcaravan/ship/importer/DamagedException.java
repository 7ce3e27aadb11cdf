package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetPart;
import java.io.IOException;

/** A set that is not what its {@code .done} says. */
final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;
    final transient Manifest set;
    final SetPart part;

    /** Of one file, which another one may replace. */
    DamagedException(Manifest set, SetPart part, String message) {
        super(message);
        this.set = set;
        this.part = part;
    }

    /** Of a set whose files are those that its {@code .done} means, and not what it says of them. */
    DamagedException(Manifest set, String message) {
        this(set, null, message);
    }
}
