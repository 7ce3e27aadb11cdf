package io.pgcaravan.ship.format;

/** A file from elsewhere that is not what it should be; the message goes on after "... is refused: it ". */
public sealed class MalformedException extends Exception permits UnfinishedException {
    private static final long serialVersionUID = 1L;

    public MalformedException(String message) {
        super(message);
    }
}
