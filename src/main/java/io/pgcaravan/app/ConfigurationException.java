package io.pgcaravan.app;

/** Configuration that cannot work; the message lists every problem. Exit code 2. */
public final class ConfigurationException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public ConfigurationException(String message) {
        super(message);
    }
}
