/** The commands of {@code caravan}. */
package io.pgcaravan.cli;
