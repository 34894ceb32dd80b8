mod datagram_queue;
mod flow_control;
mod write_buffer;
