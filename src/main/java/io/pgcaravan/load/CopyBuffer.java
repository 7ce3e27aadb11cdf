package io.pgcaravan.load;

import java.util.Arrays;

/**
 * Bytes on their way into COPY: an array that grows, and that can be cut back to a mark. Single-threaded. It never
 * shrinks.
 */
public final class CopyBuffer {

    private byte[] bytes;
    private int length;

    /** @param capacity bytes to hold before the first growth */
    public CopyBuffer(int capacity) {
        bytes = new byte[Math.max(16, capacity)];
    }

    /** The array that holds the bytes from 0 to {@link #length()}; it changes with growth. */
    public byte[] array() {
        return bytes;
    }

    /** Bytes written so far; also the mark that {@link #truncate} goes back to. */
    public int length() {
        return length;
    }

    /**
     * Forgets everything behind a mark.
     *
     * @param mark an earlier {@link #length()}
     */
    public void truncate(int mark) {
        if (mark < 0 || mark > length) {
            throw new IllegalArgumentException("mark " + mark + " outside 0 to " + length);
        }
        length = mark;
    }

    /** Makes room for {@code more} bytes and returns the array; write from {@link #length()}, then {@link #advance}. */
    byte[] room(int more) {
        if (more > bytes.length - length) {
            grow(more);
        }
        return bytes;
    }

    private void grow(int more) {
        long needed = (long) length + more;
        // a Java array ends a little short of 2 GB, and PostgreSQL refuses messages above 1 GB anyway
        if (needed > Integer.MAX_VALUE - 8) {
            throw new IllegalStateException("more than 2 GB held back for one COPY");
        }
        bytes = Arrays.copyOf(bytes, (int) Math.min(Integer.MAX_VALUE - 8, Math.max(needed, bytes.length * 2L)));
    }

    /** Says how far {@link #room}'s array was filled: the new length. */
    void advance(int newLength) {
        length = newLength;
    }

    void put(byte b) {
        room(1)[length++] = b;
    }

    void putShort(int value) {
        byte[] to = room(2);
        to[length++] = (byte) (value >> 8);
        to[length++] = (byte) value;
    }

    void putInt(int value) {
        setInt(room(4), length, value);
        length += 4;
    }

    void putLong(long value) {
        byte[] to = room(8);
        setInt(to, length, (int) (value >> 32));
        setInt(to, length + 4, (int) value);
        length += 8;
    }

    void put(byte[] from, int start, int end) {
        int more = end - start;
        System.arraycopy(from, start, room(more), length, more);
        length += more;
    }

    /** Writes four bytes, most significant first. */
    static void setInt(byte[] to, int at, int value) {
        to[at] = (byte) (value >> 24);
        to[at + 1] = (byte) (value >> 16);
        to[at + 2] = (byte) (value >> 8);
        to[at + 3] = (byte) value;
    }
}
