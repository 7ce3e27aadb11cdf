/** Change sets go from one drop directory to the next, checked on the way. */
package io.pgcaravan.ship.relay;
