mod datagram_queue;
mod flow_control;
mod read_buffer;
mod write_buffer;
