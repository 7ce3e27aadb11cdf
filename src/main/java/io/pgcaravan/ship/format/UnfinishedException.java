package io.pgcaravan.ship.format;

/** A marker that breaks off: on carriers without rename, the rest of it is on its way. */
public final class UnfinishedException extends MalformedException {
    private static final long serialVersionUID = 1L;

    UnfinishedException() {
        super("breaks off");
    }
}
